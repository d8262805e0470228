import { describe, expect, it } from 'vitest'

import { aCurve } from '../../test/builders'
import { amountTicks, merge, timeTicks, valuesAt } from './merge'

const rows = merge([aCurve(null, [[1, '10000'], [3, '10010']]), aCurve('a', [[1, '10000'], [2, '9990']])])

describe('curves', () => {
  it('share their moments', () => {
    expect(rows.map(({ t }) => t)).toEqual([1, 2, 3])
    expect(rows[0]?.values).toEqual({ portfolio: 10_000, a: 10_000 })
  })

  it('show between two points the one before', () => {
    expect([...valuesAt(rows, 2, ['portfolio', 'a'])]).toEqual([['portfolio', 10_010], ['a', 9_990]])
  })

  it('have round labels that hold every value', () => {
    expect(amountTicks(rows, 4)).toEqual([9_990, 9_995, 10_000, 10_005, 10_010])
    expect(amountTicks([], 4)).toEqual([0, 1])
  })

  it('have round moments below them', () => {
    const day = 86_400_000
    const three = merge([aCurve(null, [[0, '1'], [3 * day, '1']])])
    expect(timeTicks(three, 4)).toEqual({ ticks: [0, day, 2 * day, 3 * day], daily: true })
  })
})
