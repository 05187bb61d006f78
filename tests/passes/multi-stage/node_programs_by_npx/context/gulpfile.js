const { src, dest } = require('gulp')

exports.styles = () => src('styles/*').pipe(dest('public'))
