import { StrategyDetailPanels } from '../../features/strategies/StrategyDetailPanels'
import { StrategyHealthPanel } from '../../features/strategies/StrategyHealthPanel'
import { Page } from '../../ui/Page'
import { useRoute } from '../../ui/route'

/** The health of all, or `#/strategies/NAME` in detail. */
export default function Strategies() {
  const name = useRoute().view.split('/')[1]
  return (
    <Page title={name ? 'Strategy' : 'Strategies'}>
      {name ? <StrategyDetailPanels name={name} /> : <StrategyHealthPanel />}
    </Page>
  )
}
