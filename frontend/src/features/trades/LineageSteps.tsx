import type { Lineage } from '../../api/client'
import { useLineage } from '../../api/trades'
import { View } from '../../ui/View'

/** The chain of recorded events behind a trade; each market message opens as it was on the stream. */
export function LineageSteps({ id }: { id: string }) {
  const query = useLineage(id)
  return (
    <section className="trade-wide" data-testid="lineage">
      <h3>How it came about</h3>
      <View query={query} lines={6} empty={({ steps }) => steps.length === 0} whyEmpty={query.data?.missing}>
        {({ steps }) => (
          <ol className="lineage">
            {steps.map((step, number) => (
              <li key={`${number} ${step.title}`}>
                <strong>{step.title}</strong>
                {step.lines.map((line) => (
                  <p key={line}>{line}</p>
                ))}
                {step.events.map((event) => (
                  <Event key={event.id} event={event} />
                ))}
              </li>
            ))}
          </ol>
        )}
      </View>
    </section>
  )
}

function Event({ event: { id, raw } }: { event: Lineage['steps'][number]['events'][number] }) {
  if (raw === null) return <div><code>{id}</code></div>
  return (
    <details>
      <summary>{id}</summary>
      <pre tabIndex={0}>{pretty(raw)}</pre>
    </details>
  )
}

/** JSON in lines; what is none as it is. */
function pretty(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2)
  } catch {
    return raw
  }
}
