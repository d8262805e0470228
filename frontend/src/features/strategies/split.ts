/** From figures to lengths on the screen; what is written comes from the strings of the server. */

import type { StrategyRow } from '../../api/client'

export const PARTS = ['price', 'slippage', 'fees', 'funding'] as const

/** The share of each part in the sum of their sizes, 0 to 1; empty when all are 0. */
export function shares(split: StrategyRow['split']): { part: (typeof PARTS)[number]; share: number; gain: boolean }[] {
  const sizes = PARTS.map((part) => Number(split[part]))
  const whole = sizes.reduce((sum, size) => sum + Math.abs(size), 0)
  if (whole === 0) return []
  return PARTS.map((part, place) => {
    const size = sizes[place] ?? 0
    return { part, share: Math.abs(size) / whole, gain: size > 0 }
  })
}

/** The points of an SVG polyline through all values, with a pixel of room at the edges. */
export function sparkPoints(values: readonly number[], width: number, height: number): string {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const step = (width - 2) / Math.max(1, values.length - 1)
  const scale = high > low ? (height - 2) / (high - low) : 0
  return values.map((value, place) => `${round(1 + place * step)},${round(height - 1 - (value - low) * scale)}`).join(' ')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
