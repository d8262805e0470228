/** The colours of `colours.css` for charts, which draw on a canvas and cannot read variables. */

export interface ChartColours {
  ink: string
  inkFaint: string
  line: string
  panel: string
  up: string
  down: string
  accent: string
}

function resolver(): (name: string) => string {
  const probe = document.createElement('span')
  probe.hidden = true
  document.body.append(probe)
  return (name) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
}

export function chartColours(): ChartColours {
  const colour = resolver()
  return {
    ink: colour('ink'),
    inkFaint: colour('ink-faint'),
    line: colour('line'),
    panel: colour('panel'),
    up: colour('up'),
    down: colour('down'),
    accent: colour('accent'),
  }
}

/** Number 0 is the portfolio; strategies take the others in the order of their names. */
export function seriesColour(index: number): string {
  return `var(--series-${index === 0 ? 0 : ((index - 1) % 7) + 1})`
}
