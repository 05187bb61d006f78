//! The base image of a stage as it is written, and whether another one can stand there.

use super::{Base, Model, Stage};
use crate::rewrite::Level;
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::syntax::image::ImageReference;
use crate::tables::{self, Fact};

impl Model<'_> {
    /// Whether something takes part in the name of the base image that is not written there: a variable, a quote, an
    /// escape.
    #[must_use]
    pub fn has_variables_in_base(&self, stage: &Stage) -> bool {
        self.written_base(stage).is_none()
    }

    /// The place and the text of the base image, if the text is all there is to it.
    #[must_use]
    pub fn written_base(&self, stage: &Stage) -> Option<(Span, &str)> {
        let InstructionKind::From(from) = &self.instruction(stage.from).kind else { return None };
        let text = from.image.span.of(self.source);
        let is_plain = text == from.image.text && !text.contains(['$', '"', '\'', self.dockerfile.escape]);
        is_plain.then_some((from.image.span, text))
    }

    /// The lowest level at which another image can take the place of the base of the stage.
    ///
    /// # Errors
    /// If a RUN installs packages and the other image has another package manager.
    pub fn may_replace_base(&self, from: usize, new: &ImageReference) -> Result<Level, String> {
        let stage = self.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
        let known = self.context.policy().known_as(new);
        let (Some(old), Some(new)) = (stage.image.as_deref(), tables::image_of(&known)) else {
            return Ok(Level::Guarded);
        };
        let family = self.descendants(stage).into_iter().chain([stage]);
        let runs = family.flat_map(|stage| stage.instructions.clone()).any(|index| self.is_run(index));
        if runs && differ(&old.package_manager, &new.package_manager) {
            return Err("it has another package manager".to_owned());
        }
        let is_visible = differ(&old.libc, &new.libc) || differ(&old.sh, &new.sh);
        Ok(if is_visible { Level::Breaking } else { Level::Guarded })
    }

    /// The base image of the stage, if it is one.
    #[must_use]
    pub fn base_image(&self, stage: &Stage) -> Option<ImageReference> {
        match &stage.base {
            Base::Image(image) => Some(image.clone()),
            Base::Scratch | Base::Stage(_) | Base::Unknown => None,
        }
    }
}

fn differ<T: PartialEq>(old: &Fact<T>, new: &Fact<T>) -> bool {
    matches!((old, new), (Fact::Known(old), Fact::Known(new)) if old != new)
}
