import type { Component } from '../../api/client'
import { useHealth } from '../../api/queries'
import { dateTime, span, zoneName } from '../../format/times'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'

export function HealthPanel() {
  const query = useHealth()
  return (
    <Panel title="Services" aside={query.data ? words(query.data.components) : ''} className="health">
      <View query={query} lines={6}>
        {({ components }) => (
          <ul className="services" data-testid="services">
            {components.map((component) => (
              <Service key={`${component.service}/${component.instance ?? ''}`} component={component} />
            ))}
          </ul>
        )}
      </View>
    </Panel>
  )
}

function words(components: readonly Component[]): string {
  const down = components.filter((each) => each.expected && each.state !== 'ok' && each.state !== 'standby').length
  return down ? `${down} need attention` : 'all well'
}

function Service({ component }: { component: Component }) {
  const { service, instance, state, age_s, started_ms, event_time_ms, note } = component
  const details = [
    started_ms === null ? '' : `Started ${dateTime(started_ms)} ${zoneName(started_ms)}.`,
    event_time_ms === null ? '' : `Market time ${dateTime(event_time_ms)}.`,
  ]
  return (
    <li title={details.join(' ')}>
      <span className={`status is-${state}`}>
        <span className="dot" aria-hidden="true" />
        {service}
        {instance === null || instance === '1' ? null : <small>{instance}</small>}
      </span>
      <span className="word">{state === 'ok' ? '' : state}</span>
      <span className="age">{age_s === null ? (state === 'ok' ? 'connected' : '') : `${span(age_s)} ago`}</span>
      {note ? <small className="why">{note}</small> : null}
    </li>
  )
}
