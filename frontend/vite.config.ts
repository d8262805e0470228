import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const require = createRequire(import.meta.url)
const API = process.env['API_URL'] ?? 'http://127.0.0.1:8080'

/** The API's documentation page works without any other host: its script and style are part of the build. */
function apiDocs(): Plugin {
  return {
    name: 'api-docs',
    apply: 'build',
    generateBundle() {
      for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
        const source = readFileSync(require.resolve(`swagger-ui-dist/${file}`))
        this.emitFile({ type: 'asset', fileName: `docs/${file}`, source })
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), apiDocs()],
  build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 600, assetsInlineLimit: 0 },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: API, changeOrigin: true, ws: true, rewriteWsOrigin: true } },
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
})
