//! The effects in the course of a replay, addressed by the instruction that they came from.

use crate::model::Model;
use crate::model::canonical::{Canonical, CanonicalCommand, CanonicalList, CommandId};
use crate::model::chain::Joint;
use crate::model::effect::{CommandEffect, Effect, RunEffect};

/// The number of what comes from no instruction of the text before: greater than all.
const NEW: usize = usize::MAX;

/// Effects with the number of the instruction that each came from.
#[derive(Debug)]
pub(super) struct Replay {
    effects: Vec<(usize, Effect)>,
    /// RUNs that have become a part of another one.
    merged: Vec<(usize, usize)>,
    /// Whether the steps so far move instructions; nothing before the first step.
    moves: Option<bool>,
    /// Whether a stage has been split.
    is_split: bool,
}

impl Replay {
    pub(super) fn new(before: &Model<'_>) -> Self {
        Self {
            effects: before.effects().iter().cloned().enumerate().collect(),
            merged: Vec::new(),
            moves: None,
            is_split: false,
        }
    }

    /// Checks that steps which move instructions and steps which change them are not replayed together: the side conditions
    /// of both speak of the text before.
    pub(super) fn begin(&mut self, moves: bool, splits: bool) -> Result<(), String> {
        if self.is_split || splits && self.moves.is_some() {
            return Err("a stage is split and changed at once".to_owned());
        }
        if self.moves.replace(moves).is_some_and(|before| before != moves) {
            return Err("instructions are moved and changed at once".to_owned());
        }
        Ok(())
    }

    /// Puts an effect before its neighbour.
    pub(super) fn swap(&mut self, first: usize, second: usize) -> Result<(), String> {
        let at = self.effects.windows(2).position(|pair| pair[0].0 == first && pair[1].0 == second);
        let at = at.ok_or_else(|| format!("instruction {second} does not stand behind {first}"))?;
        self.effects.swap(at, at + 1);
        Ok(())
    }

    /// Puts new effects before that of an instruction.
    pub(super) fn insert_before(&mut self, instruction: usize, new: Vec<Effect>) -> Result<(), String> {
        let at = self.position(instruction)?;
        self.effects.splice(at..at, new.into_iter().map(|effect| (NEW, effect)));
        Ok(())
    }

    /// Puts the effect of an instruction right behind that of a later one.
    pub(super) fn move_behind(&mut self, instruction: usize, later: usize) -> Result<(), String> {
        let (from, to) = (self.position(instruction)?, self.position(later)?);
        if to < from {
            return Err(format!("instruction {later} stands before {instruction}"));
        }
        self.effects[from..=to].rotate_left(1);
        Ok(())
    }

    fn position(&self, instruction: usize) -> Result<usize, String> {
        let at = self.effects.iter().position(|(from, _)| *from == instruction);
        at.ok_or_else(|| format!("instruction {instruction} has no effect any more"))
    }

    /// Puts other effects in the place of all, each with the number of the instruction that it comes from if it comes from one.
    pub(super) fn replace(
        &mut self,
        with: impl FnOnce(&[(usize, Effect)]) -> Result<Vec<(Option<usize>, Effect)>, String>,
    ) -> Result<(), String> {
        let list = with(&self.effects)?;
        self.is_split = true;
        self.effects = list.into_iter().map(|(from, effect)| (from.unwrap_or(NEW), effect)).collect();
        Ok(())
    }

    /// The effects that the steps lead to.
    pub(super) fn effects(&self) -> impl ExactSizeIterator<Item = &Effect> {
        self.effects.iter().map(|(_, effect)| effect)
    }

    /// Number, in the text after, of the instruction that has the effect of an instruction of the text before: itself, the
    /// one it became a part of, or the next one that is left.
    pub(super) fn place(&self, instruction: usize) -> usize {
        let into = |from: usize| self.merged.iter().find_map(|(second, first)| (*second == from).then_some(*first));
        let mut instruction = instruction;
        // What a RUN has joined has an effect of its own until it joins another one, so this ends.
        while let Some(first) = into(instruction) {
            instruction = first;
        }
        let position = self.effects.iter().position(|(from, _)| *from == instruction);
        position.unwrap_or_else(|| {
            match self.effects.iter().filter(|(from, _)| *from != NEW).all(|(from, _)| *from < instruction) {
                true => self.effects.len(),
                false => self.effects.iter().filter(|(from, _)| *from < instruction).count(),
            }
        })
    }

    /// The places of an instruction, as [`Self::place`], of which a split can make several.
    pub(super) fn places(&self, instruction: usize) -> Vec<usize> {
        let places = self.effects.iter().enumerate().filter(|(_, (from, _))| *from == instruction);
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        if places.is_empty() { vec![self.place(instruction)] } else { places }
    }

    /// The last of the places of an instruction: of a FROM, that of the stage whose image takes the place of the one before.
    pub(super) fn last_place(&self, instruction: usize) -> usize {
        self.places(instruction).last().copied().unwrap_or(NEW)
    }

    /// The effect of an instruction.
    pub(super) fn effect(&mut self, instruction: usize) -> Result<&mut Effect, String> {
        self.effects
            .iter_mut()
            .find_map(|(from, effect)| (*from == instruction).then_some(effect))
            .ok_or_else(|| format!("instruction {instruction} has no effect any more"))
    }

    /// The RUN of an instruction.
    pub(super) fn run(&mut self, instruction: usize) -> Result<&mut RunEffect, String> {
        match self.effect(instruction)? {
            Effect::Run(run) => Ok(run),
            _ => Err(format!("instruction {instruction} is no RUN")),
        }
    }

    /// The script of a RUN.
    pub(super) fn script(&mut self, instruction: usize) -> Result<&mut CanonicalList, String> {
        match &mut self.run(instruction)?.command {
            CommandEffect::Script { list, .. } => Ok(list),
            _ => Err(format!("the script of instruction {instruction} is not understood")),
        }
    }

    /// Puts the script of the second RUN behind that of the first.
    pub(super) fn merge(&mut self, first: usize, second: usize) -> Result<(), String> {
        if !self.are_neighbours(first, second) {
            return Err(format!("something lies between instructions {first} and {second}"));
        }
        let mut behind = std::mem::take(as_and_chain(self.script(second)?)?);
        self.remove(second)?;
        self.merged.push((second, first));
        as_and_chain(self.script(first)?)?.append(&mut behind);
        Ok(())
    }

    /// Puts the script of the second RUN, which may stand further behind, at the end of that of the first.
    pub(super) fn join(&mut self, first: usize, second: usize) -> Result<(), String> {
        let mut behind = std::mem::take(as_and_chain(self.script(second)?)?);
        self.remove(second)?;
        as_and_chain(self.script(first)?)?.append(&mut behind);
        Ok(())
    }

    /// Makes a RUN of its own of the commands of an `&&` list from the one of that number on. It has no number in the text before.
    pub(super) fn split_off(&mut self, run: usize, at: usize) -> Result<(), String> {
        let mut second = self.run(run)?.clone();
        let CommandEffect::Script { list, .. } = &mut second.command else {
            return Err("the script is not understood".to_owned());
        };
        let behind = as_and_chain(list)?;
        if at == 0 || at >= behind.len() {
            return Err("a RUN would be empty".to_owned());
        }
        behind.drain(..at);
        normalise(list);
        let first = self.script(run)?;
        as_and_chain(first)?.truncate(at);
        normalise(first);
        self.insert_behind(run, Effect::Run(second))
    }

    /// Puts the script of a RUN in front of that of a later one, and takes its effect out.
    pub(super) fn join_in_front(&mut self, first: usize, later: usize) -> Result<(), String> {
        let mut before = std::mem::take(as_and_chain(self.script(first)?)?);
        self.remove(first)?;
        self.merged.push((first, later));
        let behind = as_and_chain(self.script(later)?)?;
        before.append(behind);
        *behind = before;
        Ok(())
    }

    fn are_neighbours(&self, first: usize, second: usize) -> bool {
        self.effects.windows(2).any(|pair| pair[0].0 == first && pair[1].0 == second)
    }

    /// Puts a new effect behind that of an instruction. It has no number in the text before.
    pub(super) fn insert_behind(&mut self, instruction: usize, effect: Effect) -> Result<(), String> {
        let at = self.effects.iter().position(|(from, _)| *from == instruction);
        let at = at.ok_or_else(|| format!("instruction {instruction} has no effect any more"))?;
        self.effects.insert(at + 1, (NEW, effect));
        Ok(())
    }

    /// Takes an effect out.
    pub(super) fn remove(&mut self, instruction: usize) -> Result<Effect, String> {
        let at = self.effects.iter().position(|(from, _)| *from == instruction);
        at.map(|at| self.effects.remove(at).1)
            .ok_or_else(|| format!("instruction {instruction} has no effect any more"))
    }
}

/// The simple command of that number, wherever it stands.
pub(super) fn command_mut(list: &mut CanonicalList, id: usize) -> Option<&mut CanonicalCommand> {
    list.iter_mut().find_map(|(node, _)| in_node(node, id))
}

fn in_node(node: &mut Canonical, id: usize) -> Option<&mut CanonicalCommand> {
    match node {
        Canonical::Simple(command) => (command.id.0 == id).then_some(command),
        Canonical::AndOr(parts) => parts.iter_mut().find_map(|(_, part)| in_node(part, id)),
        Canonical::Pipeline { parts, .. } => parts.iter_mut().find_map(|part| in_node(part, id)),
        Canonical::Compound { lists, .. } => lists.iter_mut().find_map(|list| command_mut(list, id)),
    }
}

/// Puts `new` into the chain: behind the simple command `after`, or before all of it.
pub(super) fn insert(
    list: &mut CanonicalList,
    joint: Joint,
    after: Option<usize>,
    new: Canonical,
) -> Result<(), String> {
    match joint {
        Joint::Sequence => {
            let at = match after {
                None => 0,
                Some(id) => 1 + position(list.iter().map(|(node, _)| node), id)?,
            };
            list.insert(at, (new, false));
        }
        Joint::And => {
            let parts = as_and_chain(list)?;
            let at = match after {
                None => 0,
                Some(id) => 1 + position(parts.iter().map(|(_, node)| node), id)?,
            };
            parts.insert(at, (true, new));
        }
    }
    Ok(())
}

/// Takes the simple command `id` out of the chain, which has to keep at least one command.
pub(super) fn take_out(list: &mut CanonicalList, joint: Joint, id: usize) -> Result<(), String> {
    match joint {
        Joint::Sequence => {
            let at = position(list.iter().map(|(node, _)| node), id)?;
            list.remove(at);
        }
        Joint::And => {
            let parts = as_and_chain(list)?;
            let at = position(parts.iter().map(|(_, node)| node), id)?;
            parts.remove(at);
        }
    }
    normalise(list);
    if list.is_empty() { Err("nothing is left of the RUN".to_owned()) } else { Ok(()) }
}

/// The parts of a list that is one `&&` chain; a single command becomes a chain of one.
fn as_and_chain(list: &mut CanonicalList) -> Result<&mut Vec<(bool, Canonical)>, String> {
    let [(node, false)] = list.as_mut_slice() else { return Err("the script is no `&&` chain".to_owned()) };
    if !matches!(node, Canonical::AndOr(_)) {
        let single = std::mem::replace(node, Canonical::AndOr(Vec::new()));
        *node = Canonical::AndOr(vec![(true, single)]);
    }
    match node {
        Canonical::AndOr(parts) if parts.iter().all(|(and, _)| *and) => Ok(parts),
        _ => Err("the script is no `&&` chain".to_owned()),
    }
}

/// Writes chains of one command as the command, and drops empty ones.
pub(super) fn normalise(list: &mut CanonicalList) {
    list.retain(|(node, _)| !matches!(node, Canonical::AndOr(parts) if parts.is_empty()));
    for (node, _) in list {
        if let Canonical::AndOr(parts) = node
            && parts.len() == 1
        {
            *node = parts.remove(0).1;
        }
    }
}

fn position<'a>(nodes: impl Iterator<Item = &'a Canonical>, id: usize) -> Result<usize, String> {
    let is_it = |node: &Canonical| matches!(node, Canonical::Simple(CanonicalCommand { id: CommandId(number), .. }) if *number == id);
    nodes
        .enumerate()
        .find_map(|(at, node)| is_it(node).then_some(at))
        .ok_or_else(|| format!("command {id} is no part of the chain"))
}
