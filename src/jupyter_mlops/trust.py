"""The types that a model file may name: scikit-learn's own, and the few that its models are made of.

skops refuses every type that it does not know, and forests, boosting, neighbours and networks of
scikit-learn name some. These were collected by fitting every estimator of
``sklearn.utils.all_estimators()`` (1.9), with the choices that notebooks make among their parameters,
and reading ``skops.io.get_untrusted_types``; tests/tracking/test_every_estimator.py keeps them right.

A name is trusted only where it is harmless to *call*, whatever the arguments: skops calls, for one, what
a forged file names as the type of a list, while it reads the file. So nothing here runs a text, reads or
writes files, or opens connections. It is no proof of good will: compiled types such as ``Tree`` believe
their numbers, and a forged one can crash the process that predicts with it.

Left out on purpose: the distributions of ``scipy.stats``, which ``exec`` a text of the file's as they are
read; the boosters of xgboost and lightgbm, which read and write any file that they are told to (those of
lightgbm are trusted alone, see ``LIGHTGBM_TYPES``); and bound methods of anything.
"""

from __future__ import annotations

from typing import Final

# What a fit leaves behind: attributes, and no more.
_CLASSES: Final = {
    "builtins": "object",  # this and the abstract kinds of numbers tell make_column_selector what to select
    "numpy": "dtype floating integer number",
    "scipy.interpolate._bsplines": "BSpline",
    "scipy.sparse._coo": "coo_array coo_matrix",
    "scipy.sparse._csc": "csc_array csc_matrix",
    "scipy.sparse._csr": "csr_array csr_matrix",
    "sklearn._loss.loss": "HalfTweedieLoss HalfTweedieLossIdentity",
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    # The first is a list that warns of its own end (until 1.8), the second selects by type and by pattern.
    "sklearn.compose._column_transformer": "_RemainderColsList make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels": """
        CompoundKernel ConstantKernel DotProduct Exponentiation ExpSineSquared Matern PairwiseKernel Product
        RationalQuadratic RBF Sum WhiteKernel""",
    "sklearn.impute._iterative": "IterativeImputer _ImputerTriplet",
    "sklearn.metrics._dist_metrics": """
        BrayCurtisDistance64 CanberraDistance64 ChebyshevDistance64 DiceDistance64 EuclideanDistance64
        HammingDistance64 HaversineDistance64 JaccardDistance64 MahalanobisDistance64 ManhattanDistance64
        MinkowskiDistance64 RogersTanimotoDistance64 RussellRaoDistance64 SEuclideanDistance64
        SokalMichenerDistance64 SokalSneathDistance64""",
    "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
    "sklearn.model_selection._search_successive_halving": "HalvingGridSearchCV HalvingRandomSearchCV",
    "sklearn.model_selection._split": """
        GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut PredefinedSplit
        RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold
        StratifiedShuffleSplit TimeSeriesSplit""",
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.neighbors._ball_tree": "BallTree",
    "sklearn.neighbors._kd_tree": "KDTree",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.tree._tree": "Tree",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
}

# What a parameter may hold, or a fit leaves: functions that reckon with the arrays they are given, and no more.
_FUNCTIONS: Final = {
    # It can only call what is named in the file itself, and so is on this list or refused.
    "functools": "partial",
    "numpy": """
        clip cumsum diff max mean median min nan_to_num ravel reshape round squeeze std sum var where""",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression r_regression",
    # The metrics that scikit-learn's scorers are made of.
    "sklearn.metrics._classification": """
        accuracy_score balanced_accuracy_score brier_score_loss cohen_kappa_score d2_brier_score d2_log_loss_score
        f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss matthews_corrcoef precision_score
        recall_score zero_one_loss""",
    "sklearn.metrics._ranking": """
        average_precision_score dcg_score ndcg_score roc_auc_score top_k_accuracy_score""",
    "sklearn.metrics._regression": """
        d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error
        mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss
        mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error
        r2_score root_mean_squared_error root_mean_squared_log_error""",
    "sklearn.metrics._scorer": "negative_likelihood_ratio positive_likelihood_ratio",
    "sklearn.metrics.cluster._supervised": """
        adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score homogeneity_score
        mutual_info_score normalized_mutual_info_score rand_score v_measure_score""",
    # Kernels and distances; those that take a callable in turn are not among them.
    "sklearn.metrics.pairwise": """
        additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances haversine_distances
        laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances polynomial_kernel rbf_kernel
        sigmoid_kernel""",
    "sklearn.preprocessing._data": """
        add_dummy_feature binarize maxabs_scale minmax_scale normalize power_transform quantile_transform
        robust_scale scale""",
    # Checks and converts an array; boosting holds it for the columns of a frame that are no categories.
    "sklearn.utils.validation": "check_array",
}

TRUSTED_TYPES: Final = frozenset(
    f"{module}.{name}" for group in (_CLASSES, _FUNCTIONS) for module, names in group.items() for name in names.split()
)

LIGHTGBM_TYPES: Final = frozenset(
    {
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "sklearn.preprocessing._label.LabelEncoder",
    }
)
"""What a model of lightgbm may name beside numbers, texts and arrays, and not in the company of anything else.

Its booster is harmless where its state is restored, and nowhere else: called, it would read any file. No
other type can be there to call it.
"""
