import { dateTime, span } from '../../format/times'

/** From when to when, and how long that is. */
export function Span({ from, to }: { from: number; to: number }) {
  return (
    <>
      {dateTime(from).slice(0, 16)} –<small className="below">{dateTime(to).slice(0, 16)} · {span((to - from) / 1_000)}</small>
    </>
  )
}
