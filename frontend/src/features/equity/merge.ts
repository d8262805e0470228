/** Curves side by side, as a chart wants them: one row per moment, a number where a curve has a point. */

import type { EquityCurve } from '../../api/client'

export const PORTFOLIO = 'portfolio'

export interface MomentRow {
  t: number
  drawdown: number | undefined
  values: Record<string, number>
}

/** Numbers are for drawing only; what is written on the page is formatted from the strings. */
export function merge(curves: readonly EquityCurve[]): MomentRow[] {
  const moments = new Map<number, MomentRow>()
  for (const curve of curves) {
    const name = curve.strategy ?? PORTFOLIO
    for (const point of curve.points) {
      let row = moments.get(point.t)
      if (!row) moments.set(point.t, (row = { t: point.t, drawdown: undefined, values: {} }))
      row.values[name] = Number(point.equity)
      if (curve.strategy === null) row.drawdown = -point.drawdown
    }
  }
  return [...moments.values()].sort((a, b) => a.t - b.t)
}

const STEPS = [1, 2, 2.5, 5, 10]

/** Round amounts for the axis, about `wanted` of them, that hold everything that is drawn. */
export function amountTicks(rows: readonly MomentRow[], wanted: number): number[] {
  let low = Infinity
  let high = -Infinity
  for (const row of rows) {
    for (const value of Object.values(row.values)) {
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  if (low > high) return [0, 1]
  const rough = Math.max((high - low) / wanted, Math.abs(high) * 0.0001, 1e-6)
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = (STEPS.find((each) => each * size >= rough) ?? 10) * size
  const first = Math.floor(low / step)
  const last = Math.ceil(high / step)
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step)
}

/** The last value of each curve at or before row `index`: what a line shows between two of its points. */
export function valuesAt(rows: readonly MomentRow[], index: number, names: readonly string[]): Map<string, number> {
  const found = new Map<string, number>()
  for (let place = index; place >= 0 && found.size < names.length; place -= 1) {
    for (const [name, value] of Object.entries(rows[place]?.values ?? {})) {
      if (!found.has(name)) found.set(name, value)
    }
  }
  return found
}

const NICE_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200, 10_080, 20_160, 43_200].map(
  (minutes) => minutes * 60_000,
)

/** Round UTC moments for the axis, about `wanted` of them. */
export function timeTicks(rows: readonly MomentRow[], wanted: number): { ticks: number[]; daily: boolean } {
  const first = rows[0]?.t ?? 0
  const last = rows.at(-1)?.t ?? 0
  const step = NICE_MS.find((each) => (last - first) / each <= wanted) ?? 86_400_000 * 60
  const ticks: number[] = []
  for (let t = Math.ceil(first / step) * step; t <= last; t += step) ticks.push(t)
  return { ticks, daily: step >= 86_400_000 }
}
