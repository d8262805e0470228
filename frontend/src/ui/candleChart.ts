/** The one wrapper of the candle chart: candles and markers in, a drawing on a canvas out. */

import {
  CandlestickSeries,
  ColorType,
  HistogramSeries,
  LineStyle,
  TickMarkType,
  createChart,
  createSeriesMarkers,
} from 'lightweight-charts'
import type {
  AutoscaleInfo,
  CandlestickData,
  IChartApi,
  IPriceLine,
  ISeriesApi,
  ISeriesMarkersPluginApi,
  SeriesMarker,
  Time,
  UTCTimestamp,
} from 'lightweight-charts'

import type { CandlePoint } from '../api/client'
import { price, pricePrecision } from '../format/numbers'
import { clock, day, dayClock, isMidnight, zoneName } from '../format/times'
import { chartColours } from './colours'

export interface Marker {
  t: number
  shape: 'arrowUp' | 'arrowDown' | 'circle'
  place: 'above' | 'below'
  colour: 'up' | 'down' | 'ink'
  text: string
}

/** A price that stays: where a position was opened, where it is to be closed. */
export interface Level {
  price: number
  title: string
  colour: 'up' | 'down' | 'ink' | 'accent'
}

/** Charts count seconds; the type is the library's own brand of number. */
function seconds(timeMs: number): UTCTimestamp
function seconds(timeMs: number): number {
  return Math.floor(timeMs / 1_000)
}

function ms(time: Time): number {
  return typeof time === 'number' ? time * 1_000 : 0
}

/** The library names moments in UTC; the page may show another clock. */
function axisTime(time: Time, kind: TickMarkType): string {
  const t = ms(time)
  return kind < TickMarkType.Time || isMidnight(t) ? day(t) : clock(t)
}

function bar(candle: CandlePoint): CandlestickData<UTCTimestamp> {
  return { time: seconds(candle.t), open: candle.o, high: candle.h, low: candle.l, close: candle.c }
}

export class CandleChart {
  private readonly chart: IChartApi
  private readonly candles: ISeriesApi<'Candlestick'>
  private readonly volume: ISeriesApi<'Histogram'>
  private readonly markers: ISeriesMarkersPluginApi<Time>
  private markLine: IPriceLine | null = null
  private levelLines: IPriceLine[] = []
  private lastMs = 0

  constructor(element: HTMLElement) {
    this.chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: 'inherit', fontSize: 11 },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.08, bottom: 0.2 } },
      timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, rightOffset: 4, tickMarkFormatter: axisTime },
      localization: { timeFormatter: (time: Time) => `${dayClock(ms(time))} ${zoneName(ms(time))}`, priceFormatter: price },
      handleScale: { axisPressedMouseMove: true },
    })
    this.candles = this.chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      priceLineVisible: false,
      lastValueVisible: false,
    })
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: '',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    })
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } })
    this.markers = createSeriesMarkers(this.candles, [], { autoScale: false })
    this.recolour()
  }

  /** After a change of theme: a canvas does not follow style sheets. */
  recolour(): void {
    const colours = chartColours()
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: colours.panel }, textColor: colours.inkFaint },
      grid: { vertLines: { visible: false }, horzLines: { color: colours.line } },
      crosshair: {
        vertLine: { color: colours.inkFaint, labelBackgroundColor: colours.ink },
        horzLine: { color: colours.inkFaint, labelBackgroundColor: colours.ink },
      },
    })
    this.candles.applyOptions({
      upColor: colours.up,
      downColor: colours.down,
      wickUpColor: colours.up,
      wickDownColor: colours.down,
    })
    this.volume.applyOptions({ color: colours.line })
    this.markLine?.applyOptions({ color: colours.accent, axisLabelColor: colours.accent, axisLabelTextColor: colours.panel })
  }

  /** All candles, oldest first: another asset, another interval, or after an interruption. */
  replace(candles: readonly CandlePoint[], fit: boolean): void {
    const precision = pricePrecision(candles.at(-1)?.c ?? 1)
    this.candles.applyOptions({ priceFormat: { type: 'price', precision, minMove: 10 ** -precision } })
    this.candles.setData(candles.map(bar))
    this.volume.setData(candles.map((candle) => ({ time: seconds(candle.t), value: candle.v })))
    this.lastMs = candles.at(-1)?.t ?? 0
    if (fit) {
      const shown = 140
      this.chart.timeScale().setVisibleLogicalRange({ from: candles.length - shown, to: candles.length + 4 })
    }
  }

  /** The newest candle, new or grown; an older one is left to `replace`. */
  update(candle: CandlePoint): void {
    if (candle.t < this.lastMs) return
    this.lastMs = candle.t
    this.candles.update(bar(candle))
    this.volume.update({ time: seconds(candle.t), value: candle.v })
  }

  setMarkers(markers: readonly Marker[]): void {
    const colours = chartColours()
    this.markers.setMarkers(
      markers.map(
        (marker): SeriesMarker<Time> => ({
          time: seconds(marker.t),
          position: marker.place === 'above' ? 'aboveBar' : 'belowBar',
          shape: marker.shape,
          color: colours[marker.colour],
          text: marker.text,
          size: marker.shape === 'circle' ? 0.6 : 1,
        }),
      ),
    )
  }

  setLevels(levels: readonly Level[]): void {
    for (const line of this.levelLines) this.candles.removePriceLine(line)
    const colours = chartColours()
    this.levelLines = levels.map(({ price: at, title, colour }) =>
      this.candles.createPriceLine({
        price: at,
        title,
        color: colours[colour],
        axisLabelColor: colours[colour],
        axisLabelTextColor: colours.panel,
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
      }),
    )
    // A level outside of the candles would be out of sight: the scale reaches it.
    const prices = levels.map((level) => level.price)
    this.candles.applyOptions({
      autoscaleInfoProvider: (original: () => AutoscaleInfo | null) => {
        const found = original()
        if (!found?.priceRange || !prices.length) return found
        const { minValue, maxValue } = found.priceRange
        return { ...found, priceRange: { minValue: Math.min(minValue, ...prices), maxValue: Math.max(maxValue, ...prices) } }
      },
    })
  }

  fit(): void {
    this.chart.timeScale().fitContent()
  }

  setMark(markPrice: number): void {
    if (this.markLine) {
      this.markLine.applyOptions({ price: markPrice })
      return
    }
    const colours = chartColours()
    this.markLine = this.candles.createPriceLine({
      price: markPrice,
      color: colours.accent,
      axisLabelColor: colours.accent,
      axisLabelTextColor: colours.panel,
      lineWidth: 1,
      lineStyle: LineStyle.Dotted,
      title: '',
    })
  }

  forgetMark(): void {
    if (this.markLine) this.candles.removePriceLine(this.markLine)
    this.markLine = null
  }

  remove(): void {
    this.chart.remove()
  }
}
