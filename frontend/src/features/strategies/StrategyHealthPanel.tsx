import type { StrategyHealth } from '../../api/client'
import { useStrategyHealth } from '../../api/queries'
import { percent, rate } from '../../format/numbers'
import { dayClock, zoneWord } from '../../format/times'
import { Missing } from '../../ui/Figure'
import { Term } from '../../ui/Heading'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link } from '../../ui/route'
import { Alerts, isPausedByPerson } from './Alerts'
import { PauseButton } from './PauseButton'

export function StrategyHealthPanel() {
  const query = useStrategyHealth()
  const troubled = query.data?.length ? query.data.filter((each) => each.alerts.length).length : undefined
  return (
    <Panel
      title="Strategy health"
      aside={troubled === undefined ? '' : troubled ? `${troubled} need attention · ${zoneWord()}` : `all well · ${zoneWord()}`}
      className="strategy-health"
    >
      <View
        query={query}
        lines={8}
        empty={(cards) => cards.length === 0}
        whyEmpty="No strategy has been registered yet. The broker lists them when it starts; enable one in config.yaml under strategies."
      >
        {(cards) => (
          <ul className="cards" data-testid="strategy-health">
            {cards.map((card) => (
              <Card key={card.name} card={card} />
            ))}
          </ul>
        )}
      </View>
    </Panel>
  )
}

const NO_TIME = 'No market time has passed yet.'

function Card({ card }: { card: StrategyHealth }) {
  const rests = card.window_h === null ? NO_TIME : `Over the last ${rate(card.window_h)} h of market time.`
  return (
    <li className={`card ${card.alerts.length ? 'is-troubled' : ''}`}>
      <h3 className={`status is-${card.status}`}>
        <span className="dot" aria-hidden="true" />
        <a href={link(`strategies/${card.name}`)}>{card.class_name}</a>
        <small>{card.status}</small>
      </h3>
      <dl>
        <Term note="The last LONG, SHORT or CLOSE, market time.">Last signal</Term>
        <dd>{card.last_signal_ms === null ? <Missing why="It has had no opinion so far." /> : dayClock(card.last_signal_ms)}</dd>
        <Term metric="signals_per_hour" note={rests}>Signals / hour</Term>
        <dd>{card.signals_per_hour === null ? <Missing why={NO_TIME} /> : rate(card.signals_per_hour)}</dd>
        <Term metric="positions_per_day" note={rests}>Positions / day</Term>
        <dd>{card.positions_per_day === null ? <Missing why={NO_TIME} /> : rate(card.positions_per_day)}</dd>
        <Term metric="drawdown">Drawdown</Term>
        <dd>{percent(card.drawdown)}</dd>
        <Term metric="day_used">Day limit used</Term>
        <dd>{card.day_used === null ? <Missing why="The broker has not stored a checkpoint yet." /> : percent(card.day_used, 1)}</dd>
        <Term note="Hashes of its code and of its parameters, as of its newest evaluation.">Version</Term>
        <dd>
          {card.code_hash ? (
            <code>
              {card.code_hash.slice(0, 8)} / {card.params_hash?.slice(0, 8)}
            </code>
          ) : (
            <Missing why="It has not been evaluated yet." />
          )}
        </dd>
      </dl>
      <Alerts alerts={card.alerts} />
      <PauseButton strategy={card.name} name={card.class_name} paused={isPausedByPerson(card)} />
    </li>
  )
}
