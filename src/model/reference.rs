//! The base image of a stage as it is written, and whether another one can stand there.

use super::cache::Refusal;
use super::{Base, Model, Stage};
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::syntax::image::ImageReference;
use crate::tables::{self, DistributionName};

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

    /// Whether the base of the stage may get a tag that names its release: the one that the table has for it.
    ///
    /// # Errors
    /// A variant on Alpine is no longer built some months after the next release of Alpine. A tag without a version says
    /// nothing of what an old file was written for, and today's release is another one.
    pub fn may_name_release(&self, stage: &Stage, image: &ImageReference, tag: &str) -> Result<(), Refusal> {
        let named = tables::image_of(&ImageReference { tag: Some(tag.to_owned()), ..image.clone() });
        let distribution = named.as_ref().and_then(|facts| facts.distribution.known());
        let alpine = distribution.filter(|distribution| distribution.name == DistributionName::Alpine);
        if alpine.is_some_and(|alpine| alpine.release.as_deref().is_some_and(|release| !tag.starts_with(release))) {
            let reason = format!("`{tag}` is no longer built some months after the next release of Alpine");
            return Err((reason, "`imgopt pin`: a digest in imgopt.lock, which update bots move on"));
        }
        let has_version = image.tag.as_deref().is_some_and(|tag| tag.contains(|c: char| c.is_ascii_digit()));
        let family = self.descendants(stage).into_iter().chain([stage]);
        let runs = family.flat_map(|stage| stage.instructions.clone()).filter(|index| self.is_run(*index));
        let mut words = runs.flat_map(|run| self.instruction(run).full_span().of(self.source).split_whitespace());
        match words.find(|word| tables::suites().is_outdated(word)).filter(|_| !has_version) {
            Some(word) => {
                let reason = format!("the file is older than `{tag}`, which has no `{word}`");
                Err((reason, "the version that the file was written for"))
            }
            None => Ok(()),
        }
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
