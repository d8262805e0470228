import { describe, expect, it } from 'vitest'

import { address, filtersOf, fromInput, isFiltered, orderOf, sortedBy, toInput } from './filters'

const of = (query: string) => new URLSearchParams(query)

describe('filters of trades', () => {
  it('are all in the link, and nothing else is', () => {
    const query = of('strategy=rsi&asset=BTC&direction=SHORT&exit_reason=timeout&result=loss&from=60000&sort=pnl&order=asc')
    const again = address(filtersOf(query), orderOf(query), 'po:1')
    const read = of(again.split('?')[1] ?? '')
    expect(filtersOf(read)).toEqual(filtersOf(query))
    expect(orderOf(read)).toEqual({ sort: 'pnl', order: 'asc' })
    expect(read.get('trade')).toBe('po:1')
    expect(address(filtersOf(of('')), orderOf(of('')))).toBe('#/trades')
  })

  it('do not filter by what the address says wrongly', () => {
    const filters = filtersOf(of('direction=UP&exit_reason=luck&from=yesterday&status=open&to=-5'))
    expect(isFiltered(filters)).toBe(false)
    expect(orderOf(of('sort=beauty'))).toEqual({ sort: 'entry', order: 'desc' })
  })

  it('sort by a column largest first, then the other way round', () => {
    const once = sortedBy({ sort: 'entry', order: 'desc' }, 'pnl')
    expect(once).toEqual({ sort: 'pnl', order: 'desc' })
    expect(sortedBy(once, 'pnl')).toEqual({ sort: 'pnl', order: 'asc' })
  })

  it('hold moments by the shown clock', () => {
    expect(toInput(1_741_204_500_000)).toBe('2025-03-05T19:55')
    expect(fromInput('2025-03-05T19:55')).toBe(1_741_204_500_000)
    expect(fromInput('')).toBeNull()
  })
})
