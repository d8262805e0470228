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
import './ui/styles/narrow.css'

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { ApiError } from './api/client'
import { App } from './app/App'

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refused question is refused again; everything else may only be a restart.
      retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status < 500),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5_000),
    },
  },
})

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
