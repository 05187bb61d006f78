export default { build: { outDir: '../server/public', emptyOutDir: true } }
