/** Asks the server anew for what a live message made stale, but not once for each of twenty fills a second. */

import { hashKey } from '@tanstack/react-query'
import type { QueryClient, QueryKey } from '@tanstack/react-query'

/** One question a key in this time; the server counts at most twenty a second of all kinds. */
export const PAUSE_MS = 1_000

/** By client and key: whether it was asked for again during the pause. A key without a pause is absent. */
const pauses = new WeakMap<QueryClient, Map<string, boolean>>()

/** At once, or when the pause after the last time is over: what came meanwhile is asked for in one go. */
export function refresh(client: QueryClient, queryKey: QueryKey): void {
  const held = pauses.get(client) ?? new Map<string, boolean>()
  pauses.set(client, held)
  const key = hashKey(queryKey)
  if (held.has(key)) {
    held.set(key, true)
    return
  }
  held.set(key, false)
  setTimeout(() => {
    const again = held.get(key)
    held.delete(key)
    if (again) refresh(client, queryKey)
  }, PAUSE_MS)
  void client.invalidateQueries({ queryKey })
}
