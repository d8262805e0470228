import { stopsEvaluations } from '../../api/gaps'
import { useEventTime, useHealth } from '../../api/queries'
import { span } from '../../format/times'
import { link } from '../../ui/route'

const NAMED = 3

/** Says on every view which channels are silent now, and what stands still meanwhile. */
export function OpenGaps() {
  const gaps = useHealth().data?.open_gaps ?? []
  const eventTimeMs = useEventTime()
  const [first] = gaps
  if (!first) return null
  const names = gaps.slice(0, NAMED).map((gap) => `${gap.asset} ${gap.channel}`)
  const more = gaps.length - names.length
  const since = eventTimeMs === null ? '' : ` for ${span((eventTimeMs - first.from_ms) / 1_000)}`
  const stopped = [...new Set(gaps.filter(stopsEvaluations).map((gap) => gap.asset))].join(', ')
  return (
    <aside className="notice" role="status" data-testid="open-gaps">
      <strong>No data{since}</strong> from {names.join(', ')}
      {more > 0 ? ` and ${more} more` : ''}. {stopped ? `Strategies pass on ${stopped} until it is over. ` : ''}
      <a href={link('data', { state: 'open' })}>Open gaps</a>
    </aside>
  )
}
