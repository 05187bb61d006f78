import { build } from 'esbuild'
await build({ outdir: '../public' })
