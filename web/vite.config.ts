/** Builds the dashboard to dist/: only files of its own, so that the strict Content-Security-Policy holds. */

import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // font-src and img-src refuse or need not allow data: for our own files.
    assetsInlineLimit: 0,
    // Every browser that is kept up has it; the polyfill would cost a request more.
    modulePreload: { polyfill: false },
    // noVNC asks at load, by top-level await, whether the browser decodes H.264.
    target: 'es2022',
    // Of these on, light-dark() needs no stand-in.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    reportCompressedSize: true,
  },
  server: { proxy: { '/api': { target: 'http://localhost:4000', ws: true } } },
});
