import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import compression from 'compression';
import express from 'express';
import helmet from 'helmet';
import morgan from 'morgan';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, '..', 'dist');
const file = join(process.env.DATA_DIR ?? join(here, '..', 'data'), 'items.json');
const load = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);

const app = express();
app.use(helmet({ contentSecurityPolicy: false }));
app.use(compression());
app.use(morgan('tiny'));
app.use(express.json());

app.get('/api/status', (req, res) => res.json({ ok: true, version: process.env.APP_VERSION, env: process.env.NODE_ENV }));
app.get('/api/items', (req, res) => res.json(load()));
app.post('/api/items', (req, res) => {
  const list = [...load(), { name: String(req.body.name) }];
  writeFileSync(file, JSON.stringify(list));
  res.status(201).json(list);
});

app.use(express.static(dist));
app.get('*', (req, res) => res.sendFile(join(dist, 'index.html')));

const server = app.listen(4000, () => console.log('listening on 4000'));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
