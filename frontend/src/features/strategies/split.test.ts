import { describe, expect, it } from 'vitest'

import { filtersOf, inLink } from './filters'
import { shares, sparkPoints } from './split'

describe('the comparison', () => {
  it('shows each part of the P&L by its size', () => {
    const found = shares({ price: '6', slippage: '-1', fees: '-2', funding: '1' })
    expect(found.map(({ share }) => share)).toEqual([0.6, 0.1, 0.2, 0.1])
    expect(found.map(({ gain }) => gain)).toEqual([true, false, false, true])
    expect(shares({ price: '0', slippage: '0', fees: '0', funding: '0' })).toEqual([])
  })

  it('draws a line from edge to edge', () => {
    expect(sparkPoints([0, 10], 12, 12)).toBe('1,11 11,1')
    expect(sparkPoints([5, 5], 12, 12)).toBe('1,11 11,11')
  })

  it('keeps its filters in the link and ignores what is none', () => {
    const filters = filtersOf(new URLSearchParams('asset=BTC&exchange=moon&range=7 d'))
    expect(filters).toEqual({ asset: 'BTC', exchange: null, range: '7 d' })
    expect(inLink({ asset: null, exchange: null, range: 'All' })).toEqual({ asset: null, exchange: null, range: null })
  })
})
