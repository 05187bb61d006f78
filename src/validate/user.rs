//! The axiom by which an image runs as a user other than root.

use super::replay::Replay;
use crate::model::account::Plan;
use crate::model::effect::{Effect, Evaluated, RunEffect};
use crate::model::server::Swap;
use crate::model::{Model, effect};
use crate::rewrite::Level;
use crate::shell::{self, Dialect};

/// Checks the side conditions of [`super::Step::SetUser`] and replays it.
pub(super) fn set_user(before: &Model<'_>, replay: &mut Replay, from: usize, level: Level) -> Result<(), String> {
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("no stage begins there")?;
    let plan =
        before.user_plan(stage).map_err(|(reason, _)| reason)?.ok_or("the stage has a user, or serves others")?;
    if level < plan.level {
        return Err(format!("the change is {}", plan.level));
    }
    if let Some(swap) = &plan.swap {
        return unprivileged(before, replay, from, &plan, swap);
    }
    let mut new = Vec::new();
    if !plan.commands.is_empty() {
        let text = plan.commands.join(" && ");
        let script = shell::parse(&text, Dialect::Posix).map_err(|error| error.to_string())?;
        new.push(Effect::Run(RunEffect { command: effect::script(&script), mounts: Vec::new(), flags: Vec::new() }));
    }
    new.push(effect::user(&plan.user));
    for effect in new.into_iter().rev() {
        replay.insert_behind(plan.after, effect)?;
    }
    Ok(())
}

/// Replays the change to an image whose server does not start as root.
fn unprivileged(before: &Model<'_>, replay: &mut Replay, from: usize, plan: &Plan, swap: &Swap) -> Result<(), String> {
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&swap.reference, before.dockerfile.escape);
    for (expose, at, port) in &swap.ports {
        let Effect::Words { words, .. } = replay.effect(*expose)? else { return Err("it is no EXPOSE".to_owned()) };
        *words.get_mut(*at).ok_or("it has no such port")? = Evaluated::verbatim(port);
    }
    if swap.needs_root {
        replay.insert_behind(plan.after, effect::user(&plan.user))?;
        replay.insert_behind(from, effect::user("root"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::Rewrite;
    use crate::source::Span;
    use crate::syntax;

    const BEFORE: &str = "FROM debian:bookworm-slim\nRUN true\nEXPOSE 8080\nCMD [\"/srv/app\"]\n";
    const MADE: &str = "RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --create-home --shell \
                        /usr/sbin/nologin app\nUSER app\n";

    #[track_caller]
    fn check(before: &str, after: &str, level: Level, reason: Option<&str>) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let rewrite =
            Rewrite { steps: vec![Step::SetUser { from: 0 }], ..Rewrite::new(level, Span::new(0, 0), "", "") };
        let found = validate(&before, &after, &[rewrite]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.as_ref().is_err_and(|found| found.contains(reason)), "{found:?}"),
        }
    }

    #[test]
    fn the_user_stands_where_it_belongs_and_is_the_one_of_the_plan() {
        let after = BEFORE.replace("EXPOSE", &format!("{MADE}EXPOSE"));
        check(BEFORE, &after, Level::Breaking, None);
        check(BEFORE, &after, Level::Guarded, Some("the change is breaking"));
        check(BEFORE, BEFORE, Level::Breaking, Some("instructions were expected"));
        let early = BEFORE.replace("RUN true", &format!("{MADE}RUN true"));
        check(BEFORE, &early, Level::Breaking, Some("another effect"));
        for (wrong, right) in [("USER nobody", "USER app"), ("app:x", "app\nUSER"), ("--gid 0 app", "--gid 10001 app")]
        {
            check(BEFORE, &after.replace(right, wrong), Level::Breaking, Some(""));
        }
    }

    #[test]
    fn the_side_conditions_are_those_of_the_model() {
        let after = |before: &str| before.replace("EXPOSE", &format!("{MADE}EXPOSE"));
        for (line, reason) in [
            ("ONBUILD RUN x", "ONBUILD"),
            ("USER root", "says USER"),
            ("RUN useradd x", "makes the account"),
            ("RUN apt-get install -y gosu", "changes user itself"),
            ("RUN chmod 600 /a", "only their owner"),
            ("RUN touch ~/a", "below `/root`"),
            ("EXPOSE 80", "below 1024"),
        ] {
            let before = BEFORE.replace("RUN true", &format!("{line}\nRUN true"));
            check(&before, &after(&before), Level::Breaking, Some(reason));
        }
        let before = BEFORE.replace("/srv/app", "nginx");
        check(&before, &after(&before), Level::Breaking, Some("starts as root"));
    }

    #[test]
    fn another_image_has_the_server_of_the_model_and_nothing_else() {
        let before = "FROM nginx:alpine\nRUN true\nEXPOSE 80\n";
        let after = "FROM nginxinc/nginx-unprivileged:alpine\nUSER root\nRUN true\nUSER 101\nEXPOSE 8080\n";
        check(before, after, Level::Breaking, None);
        check(before, after, Level::Guarded, Some("the change is breaking"));
        for (right, wrong) in [(":alpine", ":stable"), ("8080", "8081"), ("USER 101", "USER 0"), ("USER root\n", "")] {
            check(before, &after.replace(right, wrong), Level::Breaking, Some(""));
        }
        let templates = "COPY a.template /etc/nginx/templates/\nRUN true";
        let both = |text: &str| text.replace("RUN true", templates);
        check(&both(before), &both(after), Level::Breaking, Some("what the server is told is not known"));
    }
}
