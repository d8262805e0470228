/** What is drawn, as the link holds it. Pure. */

import { RANGES } from '../../api/keys'
import type { Span } from '../../api/keys'
import type { Series } from './series'

export interface CurveFilters {
  span: Span
  /** Strategies in this asset only; null: in all. */
  asset: string | null
  /** Names of curves that were switched from what is shown without being asked for. */
  switched: ReadonlySet<string>
}

function moment(text: string | null): number | null {
  const ms = Number(text)
  return text !== null && Number.isSafeInteger(ms) && ms >= 0 ? ms : null
}

/** The names in the link begin with `curve`: on the home page other parts have filters of their own. */
export function filtersOf(query: URLSearchParams): CurveFilters {
  const [from, to] = [moment(query.get('curve_from')), moment(query.get('curve_to'))]
  const range = RANGES.find((each) => each === query.get('curve_range')) ?? 'All'
  return {
    span: from !== null && to !== null && from < to ? { from, to } : range,
    asset: query.get('curve_asset'),
    switched: new Set(query.get('curve_switched')?.split(',').filter(Boolean)),
  }
}

export function inLink({ span, asset, switched }: CurveFilters): Record<string, string | null> {
  const fixed = typeof span !== 'string'
  return {
    curve_range: fixed || span === 'All' ? null : span,
    curve_from: fixed ? String(span.from) : null,
    curve_to: fixed ? String(span.to) : null,
    curve_asset: asset,
    curve_switched: [...switched].sort().join(',') || null,
  }
}

/** The lines of assets are drawn once they are asked for, all others until they are sent away. */
export function isShown({ dashed, name }: Series, switched: ReadonlySet<string>): boolean {
  return dashed === switched.has(name)
}

export function toggled(switched: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const after = new Set(switched)
  if (!after.delete(name)) after.add(name)
  return after
}
