import pino from 'pino';
