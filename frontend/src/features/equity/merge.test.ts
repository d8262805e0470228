import { describe, expect, it } from 'vitest'

import { aCurve } from '../../test/builders'
import { amountTicks, fallTicks, lastAt, merge } from './merge'

const rows = merge([aCurve(null, [[1, '10000'], [3, '10010']]), aCurve('a', [[1, '10000'], [2, '9990']])])
const names = ['portfolio', 'a']

describe('curves', () => {
  it('share their moments', () => {
    expect(rows.map(({ t }) => t)).toEqual([1, 2, 3])
    expect(rows[0]?.values).toEqual({ portfolio: 10_000, a: 10_000 })
  })

  it('of an asset, and of a strategy in it, are not the portfolio', () => {
    const asset = { ...aCurve(null, [[1, '10001']]), asset: 'BTC' }
    const both = { ...aCurve('a', [[1, '10002']]), asset: 'BTC' }
    expect(merge([asset, both])[0]?.values).toEqual({ 'asset BTC': 10_001, a: 10_002 })
  })

  it('show between two points the one before', () => {
    expect([...lastAt(rows, 2, names, 'values')]).toEqual([['portfolio', 10_010], ['a', 9_990]])
  })

  it('have round labels that hold every value that is drawn', () => {
    expect(amountTicks(rows, names, 4)).toEqual([9_990, 9_995, 10_000, 10_005, 10_010])
    expect(amountTicks(rows, ['portfolio'], 2)).toEqual([10_000, 10_005, 10_010])
    expect(amountTicks([], names, 4)).toEqual([0, 1])
  })

  it('have round levels of drawdown, down to the deepest fall', () => {
    expect(fallTicks(-0.0394)).toEqual([-0, -0.02, -0.04])
    expect(fallTicks(-0.000_25)).toEqual([-0, -0.000_25])
  })
})
