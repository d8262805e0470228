import { QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ApiError } from '../api/client'
import { makeClient } from './client'

describe('questions to the server', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function asked(answer: () => Promise<string>) {
    const observer = new QueryObserver(makeClient(), { queryKey: ['x'], queryFn: answer, staleTime: Infinity })
    const stop = observer.subscribe(() => undefined)
    return { result: () => observer.getCurrentResult(), stop }
  }

  it('are asked again for as long as the server is away, without anybody doing anything', async () => {
    let away = true
    const { result, stop } = asked(() => (away ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve('here')))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(result().data).toBeUndefined()
    away = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(result().data).toBe('here')
    stop()
  })

  it('are not asked again once they were refused', async () => {
    const answer = vi.fn(() => Promise.reject(new ApiError(404, 'There is no such run.', 'x')))
    const { stop } = asked(answer)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(answer).toHaveBeenCalledOnce()
    stop()
  })
})
