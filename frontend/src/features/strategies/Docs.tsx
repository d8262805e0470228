import type { StrategyDetail } from '../../api/client'

/** The headed parts of a docstring: paragraphs, with `code` as such. */
export function Docs({ sections }: { sections: StrategyDetail['docs'] }) {
  if (!sections.length) return <p className="note">Its class has no docstring. Give it the four headed parts of the template.</p>
  return (
    <div className="docs">
      {sections.map(({ title, text }) => (
        <section key={title}>
          {title ? <h3>{title}</h3> : null}
          {text.split(/\n\s*\n/).map((paragraph) => (
            <p key={paragraph}>
              {paragraph.split(/`([^`]+)`/).map((part, place) => (place % 2 ? <code key={place}>{part}</code> : part))}
            </p>
          ))}
        </section>
      ))}
    </div>
  )
}
