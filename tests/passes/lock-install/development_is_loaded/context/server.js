require('typescript').transpile('');
