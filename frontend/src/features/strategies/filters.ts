/** The filters of the comparison, as the link holds them. */

import { RANGES } from '../../api/keys'
import type { CompareFilters } from '../../api/keys'

export const EXCHANGES = ['hyperliquid', 'polymarket'] as const
export const ALL = 'all'

export function filtersOf(given: URLSearchParams): CompareFilters {
  return {
    asset: given.get('asset'),
    exchange: EXCHANGES.find((each) => each === given.get('exchange')) ?? null,
    range: RANGES.find((each) => each === given.get('range')) ?? 'All',
  }
}

/** What stands in the link: a filter that takes everything is left out. */
export function inLink({ asset, exchange, range }: CompareFilters): Record<string, string | null> {
  return { asset, exchange, range: range === 'All' ? null : range }
}
