import pino from 'pino';
pino().info('a');
