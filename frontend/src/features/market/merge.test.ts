import { describe, expect, it } from 'vitest'

import { grown } from './merge'

const minute = (t: number, c: number) => ({ t, o: c, h: c + 1, l: c - 1, c, v: 2 })

describe('candles', () => {
  it('grow by the minutes that belong to them, however often', () => {
    const first = grown(undefined, minute(300_000, 10), 300_000)
    const second = grown(first, minute(360_000, 14), 300_000)
    expect(grown(second, minute(360_000, 14), 300_000)).toEqual(second)
    expect(second).toEqual({ t: 300_000, o: 10, h: 15, l: 9, c: 14, v: 2 })
  })

  it('begin anew in the next interval', () => {
    const first = grown(undefined, minute(300_000, 10), 300_000)
    expect(grown(first, minute(600_000, 20), 300_000)).toEqual({ t: 600_000, o: 20, h: 21, l: 19, c: 20, v: 2 })
  })
})
