import { RANGES } from '../../api/keys'
import { Choice } from '../../ui/Choice'
import type { CurveFilters } from './filters'

interface Props {
  span: CurveFilters['span']
  choose: (change: Partial<CurveFilters>) => void
}

/** How far back the curves go; none of these while a part was chosen by hand. */
export function Range({ span, choose }: Props) {
  return (
    <Choice
      label="Range"
      options={RANGES}
      value={typeof span === 'string' ? span : null}
      onChange={(next) => {
        choose({ span: next })
      }}
    />
  )
}
