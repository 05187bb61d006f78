import express from 'express';
import { port } from './port.js';
express().use(express.static('dist')).listen(port);
