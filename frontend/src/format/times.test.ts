import { describe, expect, it } from 'vitest'

import { dateTime, dayClock, span } from './times'

describe('times', () => {
  it('shows market time in UTC, wherever the reader is', () => {
    expect(dateTime(1_741_204_500_000)).toBe('2025-03-05 19:55:00')
    expect(dayClock(1_741_204_500_000)).toBe('5 Mar 19:55')
  })

  it('names a span by its two largest parts', () => {
    expect([span(42), span(200), span(7_500), span(367_200)]).toEqual(['42 s', '3 m 20 s', '2 h 5 m', '4 d 6 h'])
    expect(span(-5)).toBe('0 s')
  })
})
