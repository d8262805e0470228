import createClient from 'openapi-fetch'

import { withReadToken } from './reading'
import type { components, paths } from './schema'

export type Summary = components['schemas']['Summary']
export type StrategyRow = components['schemas']['StrategyRow']
export type StrategyDetail = components['schemas']['StrategyDetail']
export type StrategyHealth = components['schemas']['StrategyHealth']
export type Bin = components['schemas']['Bin']
export type Group = components['schemas']['Group']
export type OpenPosition = components['schemas']['OpenPosition']
export type EquityCurve = components['schemas']['EquityCurve']
export type EquityPoint = components['schemas']['EquityPoint']
export type CandlePoint = components['schemas']['CandlePoint']
export type CandleSeries = components['schemas']['CandleSeries']
export type TradeRow = components['schemas']['TradeRow']
export type TradeTotals = components['schemas']['TradeTotals']
export type TradeDetail = components['schemas']['TradeDetail']
export type TradeSignal = components['schemas']['TradeSignal']
export type Lineage = components['schemas']['Lineage']
export type HeldMarket = components['schemas']['HeldMarket']
export type Risk = components['schemas']['Risk']
export type StrategyRisk = components['schemas']['StrategyRisk']
export type SignalRow = components['schemas']['SignalRow']
export type FillRow = components['schemas']['FillRow']
export type Health = components['schemas']['Health']
export type Component = components['schemas']['Component']
export type OpenGap = components['schemas']['OpenGap']
export type GapRow = components['schemas']['GapRow']
export type Coverage = components['schemas']['Coverage']
export type CoverageDay = components['schemas']['CoverageDay']
export type MarketRow = components['schemas']['MarketRow']
export type ProbabilitySeries = components['schemas']['ProbabilitySeries']
export type BacktestRow = components['schemas']['BacktestRow']
export type BacktestRun = components['schemas']['BacktestRun']
export type BacktestComparison = components['schemas']['BacktestComparison']
export type BacktestSetting = components['schemas']['BacktestSetting']
export type StudyRow = components['schemas']['StudyRow']
export type Study = components['schemas']['Study']
export type OverfitStatistic = components['schemas']['OverfitStatistic']
export type Surface = components['schemas']['Surface']
export type SurfaceCell = components['schemas']['SurfaceCell']
export type FoldResult = components['schemas']['FoldResult']
export type Candidate = components['schemas']['Candidate']
export type ParityRow = components['schemas']['ParityRow']
export type ParityReport = components['schemas']['ParityReport']
export type ParityDifference = components['schemas']['ParityDifference']
export type System = components['schemas']['System']
export type ServiceRow = components['schemas']['ServiceRow']
export type StreamRow = components['schemas']['StreamRow']
export type LiveMessage = components['schemas']['LiveMessage']
export type MetricDefinition = components['schemas']['MetricDefinition']
export type Interval = NonNullable<NonNullable<paths['/api/candles']['get']['parameters']['query']>['interval']>

export const api = createClient<paths>({ baseUrl: window.location.origin })
api.use(withReadToken)

/** What the API refused or could not do, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly id: string,
  ) {
    super(detail)
  }
}

function isProblem(body: unknown): body is components['schemas']['Problem'] {
  return typeof body === 'object' && body !== null && 'detail' in body && 'id' in body
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of a 2xx answer; throws on any other, so that no view mistakes an error for data. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked
  if (response.ok && data !== undefined) return data
  if (isProblem(error)) throw new ApiError(response.status, error.detail, error.id)
  throw new ApiError(response.status, `The server answered ${response.status}.`, '')
}
