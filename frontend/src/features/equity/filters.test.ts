import { describe, expect, it } from 'vitest'

import { filtersOf, inLink, isShown, toggled } from './filters'
import { allSeries } from './series'

const through = (query: string) => {
  const kept = inLink(filtersOf(new URLSearchParams(query)))
  return new URLSearchParams(Object.entries(kept).filter((pair): pair is [string, string] => pair[1] !== null)).toString()
}

describe('the filters of the curves', () => {
  it('come through a link unchanged', () => {
    expect(through('curve_range=30+d&curve_asset=BTC&curve_switched=asset+ETH%2Cportfolio')).toBe(
      'curve_range=30+d&curve_asset=BTC&curve_switched=asset+ETH%2Cportfolio',
    )
    expect(through('curve_from=60000&curve_to=120000')).toBe('curve_from=60000&curve_to=120000')
  })

  it('that are nonsense do not filter', () => {
    expect(through('curve_range=2+w&curve_from=120000&curve_to=60000')).toBe('')
    expect(through('curve_from=x&curve_to=-1')).toBe('')
  })

  it('show the portfolio and every strategy, and assets once they are asked for', () => {
    const series = allSeries([{ name: 'b', class_name: 'B' }, { name: 'a', class_name: 'A' }], ['BTC', 'ETH'], null)
    const shown = (switched: ReadonlySet<string>) =>
      series.filter((each) => isShown(each, switched)).map(({ name }) => name)
    expect(shown(new Set())).toEqual(['portfolio', 'a', 'b'])
    expect(shown(toggled(toggled(new Set(), 'asset ETH'), 'a'))).toEqual(['portfolio', 'b', 'asset ETH'])
  })

  it('of one asset leave its whole and each strategy in it', () => {
    const series = allSeries([{ name: 'a', class_name: 'A' }], ['BTC', 'ETH'], 'ETH')
    expect(series.map(({ of, name }) => [name, of])).toEqual([
      ['asset ETH', { strategy: null, asset: 'ETH' }],
      ['a', { strategy: 'a', asset: 'ETH' }],
    ])
  })
})
