import { Suspense, lazy, useMemo } from 'react'

import type { EquityCurve } from '../../api/client'
import { useThrottled } from '../../ui/useThrottled'
import { merge } from './merge'
import { nameOf } from './series'
import type { Series } from './series'
import type { Shade } from './shading'

const EquityChart = lazy(() => import('./EquityChart'))
const REDRAW_MS = 1_000

interface Props {
  curves: readonly EquityCurve[]
  shown: readonly Series[]
  fallen: readonly Series[]
  shaded?: readonly Shade[]
  initialCapital: string
}

/** The chart, redrawn once a second at most, with room kept for it while its code is fetched. */
export function Chart({ curves, shown, fallen, shaded = [], initialCapital }: Props) {
  // Only what grows waits: a curve that has come is drawn at once.
  const settled = useThrottled(curves, REDRAW_MS, curves.map(nameOf).join())
  const rows = useMemo(() => merge(settled), [settled])
  const stepped = useMemo(() => new Set(settled.filter(({ basis }) => basis === 'closed').map(nameOf)), [settled])
  if (!shown.length) return <div className="note">Every curve is switched off. Choose one above.</div>
  return (
    <Suspense fallback={<div className="chart-main" />}>
      <EquityChart
        rows={rows}
        shown={shown}
        fallen={fallen}
        shaded={shaded}
        stepped={stepped}
        initialCapital={Number(initialCapital)}
      />
    </Suspense>
  )
}
