import type { StrategyDetail } from '../../api/client'
import { Markdown } from '../../ui/Markdown'

/** The headed parts of a docstring, whose texts are Markdown. */
export function Docs({ sections }: { sections: StrategyDetail['docs'] }) {
  if (!sections.length) return <p className="note">Its class has no docstring. Give it the four headed parts of the template.</p>
  return (
    <div className="docs">
      {sections.map(({ title, text }) => (
        <section key={title}>
          {title ? <h3>{title}</h3> : null}
          <Markdown text={text} />
        </section>
      ))}
    </div>
  )
}
