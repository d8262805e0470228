import type { OpenPosition } from '../../api/client'
import { useEventTime, usePositions } from '../../api/queries'
import { percent, price, quantity, signedPercent, signedUsd } from '../../format/numbers'
import { dayClock, span } from '../../format/times'
import { Amount, Missing } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'

export function PositionsPanel() {
  const query = usePositions()
  return (
    <Panel title="Open positions" aside={query.data?.length ? `${query.data.length}` : ''} className="positions">
      <View
        query={query}
        lines={3}
        empty={(positions) => positions.length === 0}
        whyEmpty="Nothing is held right now. A position appears here as soon as the broker acts on a signal."
      >
        {(positions) => <Table positions={positions} />}
      </View>
    </Panel>
  )
}

function Table({ positions }: { positions: OpenPosition[] }) {
  const eventTimeMs = useEventTime()
  return (
    <div className="scroller" role="region" aria-label="Open positions table" tabIndex={0}>
      <table className="table" data-testid="positions">
        <thead>
          <tr>
            <th scope="col">Position</th>
            <th scope="col" className="is-numeric">Unrealised</th>
            <th scope="col" className="is-numeric">Mark</th>
            <th scope="col" className="is-numeric">Entry</th>
            <th scope="col" className="is-numeric">Quantity</th>
            <th scope="col" title="Where the mark stands between the stop and the target, and how far each is.">Stop → target</th>
            <th scope="col" className="is-numeric" title="Market time left until the position is closed by time-out.">Time left</th>
          </tr>
        </thead>
        <tbody>
          {positions.map((position) => (
            <Row key={position.id} position={position} eventTimeMs={eventTimeMs} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ position, eventTimeMs }: { position: OpenPosition; eventTimeMs: number | null }) {
  return (
    <tr>
      <td>
        <span className={`side is-${position.direction === 'LONG' ? 'up' : 'down'}`}>{position.direction}</span>{' '}
        <strong>{position.asset}</strong>
        {position.suspect ? (
          <span className="flag" title="Its fills are further from the market than is usual.">suspect</span>
        ) : null}
        <small className="below">{position.strategy} · {dayClock(position.entry_ms)}</small>
      </td>
      <td className="is-numeric" data-testid="unrealised">
        {position.unrealised_pnl === null ? (
          <Missing why="There is no mark of this instrument yet." />
        ) : (
          <Amount of={position.unrealised_pnl}>
            {signedUsd(position.unrealised_pnl)}
            {position.unrealised_fraction === null ? null : (
              <small className="below">{signedPercent(position.unrealised_fraction)}</small>
            )}
          </Amount>
        )}
      </td>
      <td className="is-numeric">
        {position.mark_price === null ? <Missing why="There is no mark of this instrument yet." /> : price(position.mark_price)}
      </td>
      <td className="is-numeric">{price(position.entry_price)}</td>
      <td className="is-numeric">{quantity(position.quantity)}</td>
      <td><Path position={position} /></td>
      <td className="is-numeric">
        {position.deadline_ms === null ? <Missing why="This strategy holds without a time limit." /> : null}
        {position.deadline_ms !== null && eventTimeMs !== null ? left(position.deadline_ms - eventTimeMs) : null}
      </td>
    </tr>
  )
}

function left(ms: number): string {
  return ms <= 0 ? 'due' : span(ms / 1_000)
}

/** The way from the stop to the target with the mark on it. */
function Path({ position }: { position: OpenPosition }) {
  const { stop_distance, target_distance, progress } = position
  if (stop_distance === null && target_distance === null) {
    return <Missing why="This strategy trades without stop and target." />
  }
  const stop = stop_distance === null ? 'no stop' : `${percent(stop_distance, 1)} to stop`
  const target = target_distance === null ? 'no target' : `${percent(target_distance, 1)} to target`
  return (
    <div className="path" role="img" aria-label={`${stop}, ${target}`}>
      {progress === null ? null : (
        <span className="path-bar" aria-hidden="true">
          <span style={{ insetInlineStart: `${(progress * 100).toFixed(1)}%` }} />
        </span>
      )}
      <small aria-hidden="true">
        <span>{stop_distance === null ? '' : percent(stop_distance, 1)}</span>
        <span>{target_distance === null ? '' : percent(target_distance, 1)}</span>
      </small>
    </div>
  )
}
