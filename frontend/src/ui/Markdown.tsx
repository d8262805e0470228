import DOMPurify from 'dompurify'
import { Marked } from 'marked'
import { useMemo } from 'react'

/** Headings of a text stand below the heading of the part that it is in, which is the third. */
const HEADING_ABOVE = 3
const marked = new Marked({
  gfm: true,
  walkTokens(token) {
    if (token.type === 'heading') token.depth = Math.min(6, Number(token.depth) + HEADING_ABOVE)
  },
})
/** A text explains; it loads nothing from elsewhere and asks for nothing. */
const PLAIN = { FORBID_TAGS: ['img', 'style', 'form', 'input', 'button', 'iframe', 'video', 'audio', 'svg'], FORBID_ATTR: ['style'] }

export function rendered(text: string): string {
  return DOMPurify.sanitize(marked.parse(text, { async: false }), PLAIN)
}

/** A text that a person wrote in Markdown. What could run or load something is taken out. */
export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => rendered(text), [text])
  return <div className="prose" dangerouslySetInnerHTML={{ __html: html }} />
}
