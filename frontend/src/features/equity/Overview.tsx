import { useEffect, useMemo, useRef } from 'react'
import { Brush, Line, LineChart, ResponsiveContainer, XAxis, YAxis } from 'recharts'

import type { EquityPoint } from '../../api/client'
import { dayClock } from '../../format/times'
import { placesOf } from './overview'

interface Props {
  points: readonly EquityPoint[]
  /** What the charts above show. */
  from: number
  to: number
  onChoose: (from: number, to: number) => void
}

const SETTLED_MS = 350

/** The whole curve with two handles (pointer or arrow keys) for the part that is shown. */
export default function Overview({ points, from, to, onChoose }: Props) {
  const data = useMemo(() => points.map(({ t, equity }) => ({ t, equity: Number(equity) })), [points])
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(
    () => () => {
      clearTimeout(timer.current)
    },
    [],
  )
  const [startIndex, endIndex] = placesOf(points, from, to)
  return (
    <div className="overview">
      <ResponsiveContainer width="100%" height="100%">
        <LineChart data={data} margin={{ top: 0, right: 8, bottom: 0, left: 62 }} accessibilityLayer={false}>
          <XAxis dataKey="t" hide />
          <Brush
            dataKey="t"
            height={48}
            travellerWidth={9}
            stroke="var(--ink-faint)"
            fill="var(--raised)"
            startIndex={startIndex}
            endIndex={endIndex}
            tickFormatter={(t: number) => dayClock(t)}
            ariaLabel="Part of the time that is shown"
            onChange={(chosen) => {
              const [first, last] = [data[chosen.startIndex], data[chosen.endIndex]]
              clearTimeout(timer.current)
              // A drag says each step of its way: only where it rests is asked for.
              timer.current = setTimeout(() => {
                if (first && last && last.t > first.t) onChoose(first.t, last.t)
              }, SETTLED_MS)
            }}
          >
            <LineChart>
              <YAxis hide domain={['dataMin', 'dataMax']} />
              <Line dataKey="equity" stroke="var(--ink-soft)" strokeWidth={1} dot={false} isAnimationActive={false} />
            </LineChart>
          </Brush>
        </LineChart>
      </ResponsiveContainer>
    </div>
  )
}
