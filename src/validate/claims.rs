//! What each step proves, for people.

use super::Step;

impl Step {
    /// What the validator checked of the step before it replayed it.
    #[must_use]
    pub const fn claim(&self) -> &'static str {
        match self {
            Self::CopyForAdd { .. } => {
                "no source is an archive or comes from elsewhere, so that ADD does what COPY does"
            }
            Self::ExecForm { .. } => "the shell would start this argv, and the program needs no shell",
            Self::AddOption { .. } => "the option stands where options are read, and changes no installed file",
            Self::NoRecommends { .. } => {
                "the tables know what the packages recommend, and nothing needs what is left out"
            }
            Self::RemoveOption { .. } => "what the option avoids lies in a mounted cache, or another option avoids it",
            Self::AddCacheMount { .. } => {
                "the directory holds only what the command downloads again, and nothing else reads it"
            }
            Self::DropCleanup { .. } | Self::DropOperand { .. } => {
                "the command only empties caches that are mounted, or that nothing fills"
            }
            Self::AddCleanup { .. } => "nothing behind it reads what is removed",
            Self::AddUpdate { .. } => "the same lists are read, in the RUN that needs them",
            Self::AddScratchUpdate { .. } => "whoever needs package lists later finds those of an earlier RUN",
            Self::MergeAnd { .. } => "nothing lies between the RUNs, and none leaves anything behind in its shell",
            Self::DropUpdate { .. } | Self::DropUpdateCommand { .. } => {
                "every later install refreshes the package lists itself"
            }
            Self::Commute { .. } => "neither of the two instructions writes what the other one reads or writes",
            Self::PinBase { .. } => "the table or the lock says that it is the same image",
            Self::ApprovedBase { .. } => "the project's configuration puts that image in its place",
            Self::AptGetForApt { .. } => "`apt-get` does the same with these arguments",
            Self::CopyManifestsFirst { .. } => "the install reads the copied manifests and nothing else of the sources",
            Self::SplitAnd { .. } => {
                "the first commands leave nothing behind in their shell, and the others remove nothing"
            }
            Self::LockInstall { .. } => "the lock file is copied and names what the manifest asks for",
            Self::SwapBase { .. } => {
                "both images have one version, release and configuration, and every need of the stage is known and met"
            }
            Self::SwapForStatic { .. } => {
                "the program is built without C, and nothing needs what the image that goes has"
            }
            Self::SwapForInterpreter { .. } => {
                "the distroless image has the interpreter in the same version, and nothing else of the image is needed"
            }
            Self::SwapForAlpine => {
                "every image has a variant of the same version and configuration, and every package, account, command and \
                 binary of the stages has a counterpart in the tables"
            }
            Self::ChownIntoCopy { .. } => "COPY gives the files the owner that `chown -R` gives them",
            Self::SplitStage(_) => {
                "both stages do what the one did, and what the program needs is copied to the same paths"
            }
            Self::KeepDownloads { .. } => "the stage is not shipped, and apt only keeps what it downloads",
            Self::SetUser { .. } => {
                "nothing behind USER makes files, nothing seen needs root, and the user owns what is seen to be written"
            }
            Self::LeanBuild { .. } => {
                "no source that is seen reads symbols, asks for its own path or needs C, and the lock file fits the manifest"
            }
            Self::DropSetting { .. } => "the variable has the default value, hides no other and is named nowhere else",
            Self::UnsetForCommand { .. } => "the variable only keeps the mounted cache empty",
            Self::OmitDevelopment { .. } => {
                "it is the one install of the last stage, and no source of the program loads what is left out"
            }
            Self::RemoveBuildPackages { .. } => {
                "one RUN needs the packages, nothing that is seen compiles behind it, and libraries of programs are named"
            }
            Self::SlimPackages { .. } => {
                "only directories with tests and sources for compilers below the packages are named"
            }
            Self::DropIdle { .. } => "what it removes is gone already",
            Self::MoveDeleteToMaker { .. } => "nothing between the two reads or makes what is removed",
            Self::AskOtherwise { .. } => {
                "the same URL is asked with a program that the image has, and the image lacks the other one"
            }
            Self::LabelForMaintainer { .. } => "the label has the text of MAINTAINER, to the letter",
        }
    }
}
