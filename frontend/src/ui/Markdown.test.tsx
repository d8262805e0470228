import { describe, expect, it } from 'vitest'

import { rendered } from './Markdown'

describe('a docstring as Markdown', () => {
  it('has lists, bold, code, and headings below that of its part', () => {
    const html = rendered('A **bold** `word`:\n\n- one\n- two\n\n# Small print\n\n```\ncode\n```')
    for (const part of ['<strong>bold</strong>', '<code>word</code>', '<li>one</li>', '<h4>Small print</h4>', '<pre><code>code']) {
      expect(html).toContain(part)
    }
  })

  it('cannot run or load anything', () => {
    const html = rendered('<img src=x onerror=alert(1)> <script>alert(1)</script> [a](javascript:alert(1)) <b onclick="x()">b</b>')
    expect(html).not.toMatch(/img|script|onerror|onclick/)
  })
})
