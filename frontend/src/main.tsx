import '@fontsource-variable/inter/index.css'
import './ui/colours.css'
import './ui/styles/base.css'
import './ui/styles/layout.css'
import './ui/styles/shell.css'
import './ui/styles/signs.css'
import './ui/styles/charts.css'
import './ui/styles/tables.css'
import './ui/styles/quality.css'
import './ui/styles/dialog.css'
import './ui/styles/trades.css'
import './ui/styles/research.css'
import './ui/styles/compare.css'
import './ui/styles/narrow.css'

import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { App } from './app/App'
import { drawOncePerFrame, makeClient } from './app/client'

drawOncePerFrame()
const client = makeClient()
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
