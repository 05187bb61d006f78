import { build } from 'esbuild'
await build({ outdir: 'out' })
