import { QueryClient, notifyManager } from '@tanstack/react-query'

import { ApiError } from '../api/client'

const AGAIN_MS = 3_000

/** A refused question is refused again; everything else may only be a restart. */
const isRefused = (error: Error | null) => error instanceof ApiError && error.status < 500

/** What every question of the page has in common: after a restart of the server each of them finds its own way back. */
export const makeClient = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 3 && !isRefused(error),
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5_000),
        refetchInterval: ({ state }) => (state.status === 'error' && !isRefused(state.error) ? AGAIN_MS : false),
      },
    },
  })

/**
 * What a live message changed is drawn with the next frame, together with all others since the last one. A page that
 * nobody sees gets no frames, so there it is drawn at once: nothing piles up behind the next look.
 */
export const drawOncePerFrame = () => {
  notifyManager.setScheduler((draw) => {
    if (document.hidden) setTimeout(draw, 0)
    else requestAnimationFrame(draw)
  })
}
