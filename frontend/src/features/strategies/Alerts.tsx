import type { StrategyHealth } from '../../api/client'

/** What needs attention about a strategy, worst first. */
export function Alerts({ alerts }: Pick<StrategyHealth, 'alerts'>) {
  return alerts.map((alert) => (
    <p key={alert.kind} className={`alert is-${alert.kind}`}>
      {alert.text}
    </p>
  ))
}

/** Whether resuming it would change something: a day limit ends by itself. */
export const isPausedByPerson = ({ alerts }: Pick<StrategyHealth, 'alerts'>) => alerts.some(({ kind }) => kind === 'paused')
