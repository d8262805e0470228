/** Curves side by side, as a chart wants them: one row per moment, a number where a curve has a point. */

import type { EquityCurve } from '../../api/client'
import { nameOf } from './series'

export interface MomentRow {
  t: number
  /** Equity by name of the curve. */
  values: Record<string, number>
  /** Fall from the running peak by name of the curve, 0 or less, as a fraction. */
  falls: Record<string, number>
}

/** Numbers are for drawing only; what is written on the page is formatted from the strings. */
export function merge(curves: readonly EquityCurve[]): MomentRow[] {
  const moments = new Map<number, MomentRow>()
  for (const curve of curves) {
    const name = nameOf(curve)
    for (const point of curve.points) {
      let row = moments.get(point.t)
      if (!row) moments.set(point.t, (row = { t: point.t, values: {}, falls: {} }))
      row.values[name] = Number(point.equity)
      row.falls[name] = -point.drawdown
    }
  }
  return [...moments.values()].sort((a, b) => a.t - b.t)
}

const STEPS = [1, 2, 2.5, 5, 10]

/** The smallest round step that is `rough` at least. */
function amountStep(rough: number): number {
  const size = 10 ** Math.floor(Math.log10(rough))
  return (STEPS.find((each) => each * size >= rough) ?? 10) * size
}

/** Round amounts for the axis, about `wanted` of them, that hold every value of the curves `names`. */
export function amountTicks(rows: readonly MomentRow[], names: readonly string[], wanted: number): number[] {
  let low = Infinity
  let high = -Infinity
  for (const { values } of rows) {
    for (const name of names) {
      const value = values[name]
      if (value === undefined) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  if (low > high) return [0, 1]
  const rough = Math.max((high - low) / wanted, Math.abs(high) * 0.0001, 1e-6)
  const step = amountStep(rough)
  const first = Math.floor(low / step)
  const last = Math.ceil(high / step)
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step)
}

/** The largest fall of these curves, 0 or below. */
export function deepest(rows: readonly MomentRow[], names: readonly string[]): number {
  let found = 0
  for (const { falls } of rows) for (const name of names) found = Math.min(found, falls[name] ?? 0)
  return found
}

/** Levels of a drawdown axis from 0 down to the deepest fall: one or two round steps. */
export function fallTicks(deepest: number): number[] {
  const step = amountStep(Math.max(Math.abs(deepest), 0.0005) / 2)
  const steps = Math.abs(deepest) > step ? 2 : 1
  return Array.from({ length: steps + 1 }, (_, place) => -place * step)
}

/** The last value of each curve at or before row `index`: what a line shows between two of its points. */
export function lastAt(
  rows: readonly MomentRow[],
  index: number,
  names: readonly string[],
  of: 'values' | 'falls',
): Map<string, number> {
  const found = new Map<string, number>()
  for (let place = index; place >= 0 && found.size < names.length; place -= 1) {
    for (const name of names) {
      const value = rows[place]?.[of][name]
      if (value !== undefined && !found.has(name)) found.set(name, value)
    }
  }
  return found
}
