import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { aFill } from '../test/builders'
import { apply } from './apply'
import { keys } from './keys'
import { PAUSE_MS } from './refresh'

describe('many fills in a second', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('ask once at once, and once more after the last of them', async () => {
    const client = new QueryClient()
    const question = vi.fn(() => Promise.resolve([]))
    const shown = new QueryObserver(client, { queryKey: keys.strategies, queryFn: question })
    const unsubscribe = shown.subscribe(() => undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(question).toHaveBeenCalledTimes(1)
    for (let number = 0; number < 20; number += 1) {
      apply(client, { kind: 'fill', seq: number, fill: aFill({ id: `fl:${number}`, purpose: 'exit' }) })
      await vi.advanceTimersByTimeAsync(PAUSE_MS / 40)
    }
    expect(question).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(PAUSE_MS)
    expect(question).toHaveBeenCalledTimes(3)
    await vi.advanceTimersByTimeAsync(10 * PAUSE_MS)
    expect(question).toHaveBeenCalledTimes(3)
    unsubscribe()
  })
})
