import { useEventTime, useHealth } from '../api/queries'
import { span } from '../format/times'
import { link } from '../ui/route'

const NAMED = 3

/** Says on every view which channels are silent now: figures that rest on them stand still, and strategies pass. */
export function OpenGaps() {
  const gaps = useHealth().data?.open_gaps ?? []
  const eventTimeMs = useEventTime()
  const [first] = gaps
  if (!first) return null
  const names = gaps.slice(0, NAMED).map((gap) => `${gap.asset} ${gap.channel}`)
  const more = gaps.length - names.length
  const since = eventTimeMs === null ? '' : ` for ${span((eventTimeMs - first.from_ms) / 1_000)}`
  return (
    <aside className="notice" role="status" data-testid="open-gaps">
      <strong>No data{since}</strong> from {names.join(', ')}
      {more > 0 ? ` and ${more} more` : ''}. Strategies pass until it is back; nothing is decided on data that comes
      late. <a href={link('data', { state: 'open' })}>Open gaps</a>
    </aside>
  )
}
