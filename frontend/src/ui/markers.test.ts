import { describe, expect, it } from 'vitest'

import { aTrade } from '../test/builders'
import { markers } from './markers'

const minute = (t: number, c: number) => ({ t, o: c, h: c + 1, l: c - 1, c, v: 2 })

describe('markers', () => {
  const candles = [60_000, 120_000, 180_000].map((t) => minute(t, 10))

  it('sit on the candle that closed at the moment of the fill', () => {
    const [entry, exit] = markers([aTrade({ entry_ms: 120_000, exit_ms: 240_000 })], candles, 60_000)
    expect(entry).toMatchObject({ t: 60_000, shape: 'arrowUp', place: 'below' })
    expect(exit).toMatchObject({ t: 180_000, shape: 'circle', colour: 'up', text: '+0.04' })
  })

  it('leave out what came before the first candle', () => {
    expect(markers([aTrade({ entry_ms: 20_000, exit_ms: 30_000 })], candles, 60_000)).toEqual([])
  })

  it('of an open position show the entry alone', () => {
    const open = aTrade({ direction: 'SHORT', status: 'OPEN', exit_ms: null, realised_pnl: null })
    expect(markers([open], candles, 60_000)).toMatchObject([{ shape: 'arrowDown', place: 'above' }])
  })
})
