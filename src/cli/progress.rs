//! The progress of a run, from its events: live on a terminal, plain lines, or JSON lines.

use super::args::ProgressMode;
use super::printer::Printer;
use crate::engine::{Event, TimeScale};
use crate::report::{PlainProgress, clock};
use crate::resource::Address;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// Largest number of running steps shown.
const MOST_LINES: usize = 12;

/// Shows events until the run ends.
pub(super) async fn show(mut events: UnboundedReceiver<Event>, mode: ProgressMode, time_scale: TimeScale, printer: Printer) {
    let mut plain = PlainProgress::default();
    match mode {
        ProgressMode::Json => {
            while let Some(event) = events.recv().await {
                printer.data(&json_line(&event));
            }
        }
        ProgressMode::Auto if printer.is_live() => live(events, time_scale).await,
        ProgressMode::Auto | ProgressMode::Plain => {
            while let Some(event) = events.recv().await {
                if let Some(line) = plain.line(&event).filter(|_| !printer.is_quiet()) {
                    printer.say(&line);
                }
            }
        }
    }
}

fn json_line(event: &Event) -> String {
    let mut value = serde_json::json!(event);
    if let Some(map) = value.as_object_mut() {
        map.insert("time".to_owned(), Timestamp::now().to_string().into());
    }
    format!("{value}\n")
}

/// A running step.
struct Running {
    bar: Option<ProgressBar>,
    began: Instant,
    path_seconds: u64,
}

/// The view on a terminal: finished steps scroll above, running and waiting steps are below.
struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    running: HashMap<Address, Running>,
    plain: PlainProgress,
    time_scale: TimeScale,
    began: Instant,
}

async fn live(mut events: UnboundedReceiver<Event>, time_scale: TimeScale) {
    let bars = MultiProgress::new();
    let total = bars.add(ProgressBar::new(0));
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} · {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    total.set_style(style);
    let mut view = Live { bars, total, running: HashMap::new(), plain: PlainProgress::default(), time_scale, began: Instant::now() };
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => view.take(&event),
                None => break,
            },
            _ = tick.tick() => view.refresh(),
        }
    }
    view.total.finish_and_clear();
    let _ = view.bars.clear();
}

impl Live {
    fn take(&mut self, event: &Event) {
        let line = self.plain.line(event);
        match event {
            Event::RunStarted { steps, .. } => self.total.set_length(*steps as u64),
            Event::StepStarted { address, path_seconds, .. } => self.start(address, *path_seconds, line),
            Event::StepWaiting { address, why } => {
                if let Some(bar) = self.running.get(address).and_then(|running| running.bar.as_ref()) {
                    bar.set_message(format!("{address}: {why}"));
                }
            }
            Event::StepCreated { .. } => {}
            Event::StepDone { address, .. } | Event::StepFailed { address, .. } | Event::StepSkipped { address, .. } => {
                if let Some(bar) = self.running.remove(address).and_then(|running| running.bar) {
                    bar.finish_and_clear();
                }
                self.total.inc(1);
                line.iter().for_each(|line| drop(self.bars.println(line)));
            }
            Event::Cleared { .. } | Event::Stopping | Event::RunFinished { .. } => {
                line.iter().for_each(|line| drop(self.bars.println(line)))
            }
        }
        self.refresh();
    }

    fn start(&mut self, address: &Address, path_seconds: u64, line: Option<String>) {
        let shown = self.running.values().filter(|running| running.bar.is_some()).count();
        let bar = (shown < MOST_LINES).then(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("  {spinner} {elapsed} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_message(line.map_or_else(|| address.to_string(), |line| line.trim().to_owned()));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        self.running.insert(address.clone(), Running { bar, began: Instant::now(), path_seconds });
    }

    /// Shows the elapsed time, and the time left along the longest path of the running steps.
    fn refresh(&self) {
        let left =
            self.running.values().map(|running| self.time_scale.expected(running.path_seconds) - running.began.elapsed().as_secs_f64());
        let left = left.fold(0.0, f64::max);
        self.total.set_message(format!("{} elapsed, about {} left", clock(self.began.elapsed().as_secs_f64()), clock(left)));
    }
}
